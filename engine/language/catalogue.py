"""Every diagnostic the language knows: its stable code, severity, Chinese title and how to put it right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Entry:
    """A kind of mistake."""

    title: str
    help: str
    severity: Literal["error", "warning", "info"] = "error"


CATALOGUE: Mapping[str, Entry] = {
    # the file itself
    "XH001": Entry("文件过大", "把文件拆小；政策文件不超过 1 MiB。"),
    "XH002": Entry("不是 UTF-8 编码", "用编辑器另存为 UTF-8。"),
    "XH003": Entry("含有不可见或控制字符", "删去该字符，包括双向控制符、零宽字符和 NUL。"),
    "XH004": Entry("YAML 语法错误", "检查冒号、缩进、括号和引号是否成对。"),
    "XH005": Entry("用制表符缩进", "YAML 缩进只能用空格。"),
    "XH006": Entry("嵌套过深", "政策文件嵌套不超过 32 层。"),
    "XH007": Entry("内容过多", "把文件拆小；一个文件不超过 6 万个节点。"),
    "XH008": Entry("锚点展开过大", "不要用锚点层层引用；全文锚点展开不超过 1000 个节点。"),
    "XH009": Entry("锚点引用无效", "锚点须先定义后引用，且不得引用自身。"),
    "XH010": Entry("键重复", "同一层的键只能出现一次，删去其中一个。"),
    "XH011": Entry("一个文件有多个文档", "一个文件只写一个文档，删去“---”。"),
    "XH012": Entry("使用了 YAML 标签", "删去以“!”开头的标签；值的类型由语言规定。"),
    "XH013": Entry("文件为空", "写入一份政策文档，或删去此文件。"),
    "XH014": Entry("文档不是键值表", "文档最外层须为“键: 值”。"),
    "XH015": Entry("键不是普通文字", "键须为一行普通文字；不支持“<<”合并键。"),
    "XH016": Entry("字形相似的字符", "改用半角英文字符；全角和其他文字中的相似字母不是同一个字符。"),
    "XH018": Entry("错误太多", "先改正已列出的问题再检查。"),
    # the shape of a document
    "XH020": Entry("不认识的文档种类", "文档的第一个键说明它是哪一种。"),
    "XH021": Entry("不认识的键", "对照 docs/language.md 改正键名，或删去。"),
    "XH022": Entry("缺少必填的键", "补上该键。"),
    "XH023": Entry("结构不对", "改为所要求的文字、列表或键值表。"),
    "XH024": Entry("不在允许的取值之内", "改为允许的取值之一。"),
    "XH025": Entry("标识不合规范", "标识只用小写英文字母、数字和连字符，以字母开头。"),
    "XH026": Entry("标识与文件名不一致", "文件名须等于标识加“.yaml”。"),
    "XH027": Entry("标识重复", "给其中一个改名，或合并两处。"),
    "XH028": Entry("文字为空", "写上内容，或删去该键。"),
    "XH029": Entry("列表为空", "至少写一项。"),
    "XH030": Entry("种类键不在最前", "把说明文档种类的键移到第一行。"),
    # scalars
    "XH031": Entry("整数不合规范", "写成 -12 或 1_000，绝对值不超过 2^62。"),
    "XH032": Entry("金额不合规范", "写成 5000 元、12.34 元、10 万元或 1 亿元，精确到分。"),
    "XH033": Entry("比率不合规范", "写成 30% 或 12.34%，最多两位小数。"),
    "XH034": Entry("日期不合规范", "写成 2024-01-31，且须是日历上有的一天。"),
    "XH035": Entry("真假值不合规范", "只能写 true 或 false。"),
    "XH036": Entry("期限不合规范", "写成 3 working days、10 days、6 months 或 2 years。"),
    "XH037": Entry("有效期倒置", "生效日不得晚于失效日。"),
    "XH038": Entry("列表中有重复项", "删去重复的一项。"),
    # references
    "XH050": Entry("引用的法律文件不存在", "先在 rules/laws/ 建立该文件，或改正标识。"),
    "XH051": Entry("引用的条款不存在", "在该法律文件的 articles 中补上条款，或改正条款号。"),
    "XH052": Entry("部门不存在", "先在 rules/departments/ 建立该部门，或改正标识。"),
    "XH053": Entry("名单不存在", "先在 rules/lists/ 建立该名单，或改正标识。"),
    "XH054": Entry("措施不存在", "先在 rules/measures/ 建立该措施，或改正标识。"),
    "XH055": Entry("事项不存在", "先在 rules/matters/ 建立该事项，或改正标识。"),
    "XH056": Entry("分级表不存在", "先在 rules/tables/ 建立该表，或改正标识。"),
    "XH057": Entry("记录种类不存在", "先在 rules/records/ 建立该种类，或改正标识。"),
    "XH058": Entry("备忘录不存在", "测试须对应一份备忘录，改正标识。"),
    "XH059": Entry("规则不存在", "改为本备忘录中的规则标识。"),
    "XH060": Entry("事实不存在", "在名单的 facts 或备忘录的 derive 中声明，或改正名称。"),
    "XH061": Entry("核验步骤不合法", "从严核验只能从该事项的 verification 中选择步骤（行政许可法第三十一条）。"),
    "XH062": Entry("部门撤并成环", "改正 merged_into。"),
    "XH063": Entry("督办阶梯不存在", "先在 rules/ladders/ 建立该阶梯，或改正标识。"),
    # conditions
    "XH070": Entry("条件的写法不对", "条件写成 {事实: 值}、{all: […]}、{any: […]}、{not: …} 等。"),
    "XH071": Entry("不认识的比较方式", "改为 eq、ne、lt、lte、gt、gte、in、not_in 等。"),
    "XH072": Entry("比较方式不适用于该类型", "换用该类型允许的比较方式。"),
    "XH073": Entry("值与事实的类型不符", "按该事实的类型书写。"),
    "XH074": Entry("不是该枚举的取值", "改为声明过的取值之一。"),
    "XH075": Entry("比较的两个事实类型不同", "只能比较同一类型的事实。"),
    "XH076": Entry("回溯期不可用", "回溯期用 days、months 或 years，且不超过 100 年。"),
    "XH077": Entry("计数缺少比较", "写上且只写一个 gte、eq 等比较。"),
    "XH078": Entry("此处不能用这种条件", "换一种写法，或先用 derive 推导。"),
    "XH079": Entry("事实名称不可用", "事实名只用小写英文字母、数字和下划线，且不是保留字。"),
    "XH080": Entry("事实名称冲突", "给推导的事实另取名称。"),
    "XH081": Entry("条件组为空", "至少写一个条件，或删去该组。"),
    "XH082": Entry("条件过大", "拆成几条规则，或减少层层的 overrides。"),
    "XH083": Entry("枚举声明不对", "enum 须写 values；values 只用于 enum 和 list。"),
    # the structure of a memorandum
    "XH090": Entry("推导成环", "推导的事实不能直接或间接依赖自身。"),
    "XH091": Entry("优先关系成环", "overrides 不能直接或间接绕回自身。"),
    "XH092": Entry("优先关系缺少依据", "写 overrides 的规则须有 basis。"),
    "XH093": Entry("优先规则的有效期不足", "优先的规则须在被优先的规则有效的每一天都有效；否则把后者按时段拆成两条。"),
    "XH094": Entry("先后关系成环", "after 不能直接或间接绕回自身。"),
    "XH095": Entry("先行措施不在本备忘录", "after 只能写本备忘录中的措施。"),
    "XH096": Entry("choose 的顺序不对", "只有最后一行可以不写 when。"),
    "XH097": Entry("推导的写法不对", "when、choose、count 须写且只写一个，类型与之相符。"),
    "XH098": Entry("后果的写法不对", "oblige、advise、limit 须写且只写一个。"),
    "XH099": Entry("该后果不能有这个键", "删去该键。"),
    # measures and matters
    "XH100": Entry("激励不能减损权益", "激励措施的 class 只能是 managerial 或 voluntary。"),
    "XH101": Entry("持续性措施不写 reversible", "reversible 只用于 one-shot 措施；持续性措施到期一律解除。"),
    "XH102": Entry("核验步骤缺少从严核验", "steps 只用于 effect 为 verify-further 的措施。"),
    "XH103": Entry("没有可容缺的材料", "为该事项的材料写 may_be_outstanding，或不用 tolerate-missing。"),
    "XH104": Entry("措施与名单的性质不合", "核对措施的 kind 与名单的 kind。", "warning"),
    "XH105": Entry("一次完成的措施没有期限", "term 是在施措施的最长时间；不可恢复的一次性措施不写。"),
    # tables
    "XH110": Entry("分级表有空缺", "补一行覆盖所举的情形。"),
    "XH111": Entry("分级表有重叠", "改条件使各行互斥，或改 hit。"),
    "XH112": Entry("分级表过大无法证明", "减少输入或界点，或拆成几张表。"),
    "XH113": Entry("分级表有永不命中的行", "删去该行，或调整顺序。", "warning"),
    "XH114": Entry("分级表的输入对不上", "在备忘录的名单或 derive 中提供同名同类型的事实。"),
    "XH115": Entry("额度公式不对", "amount 须为本表的金额输出，plus 中的 of 须为金额事实。"),
    "XH116": Entry("额度下限高于上限", "改正 floor 或 cap。"),
    "XH117": Entry("汇总方式与输出不符", "min、max、sum 只能有一个整数或金额输出。"),
    "XH118": Entry("分级表的行与输出不符", "每行须给出每个输出，且不多写。"),
    "XH119": Entry("该表没有额度公式", "为表写 limit，或不要用 limit 引用它。"),
    # legality
    "XH120": Entry("措施没有依据", "在条款、规则或措施上写 basis。"),
    "XH121": Entry(
        "减损权益的措施依据不足",
        "依据须为法律、行政法规、中央政策文件或省级法规，全程有效，并及于对象、关联人和名单（国办发〔2020〕49号）。",
    ),
    "XH122": Entry("依据不及于对象", "换用及于该名单、主体和关联人且有效的依据。"),
    "XH123": Entry("部门在此期间不存在", "改为当时存在的部门，或为规则、名单写 valid。"),
    "XH124": Entry("规则永不触发", "核对主体种类与条件。", "warning"),
    "XH125": Entry("同一事项上指令矛盾", "使两条规则的条件互斥，或用 overrides 写明谁优先。"),
    "XH126": Entry("部门已撤并", "改为承接其职责的部门，或为规则写 valid。", "warning"),
    # calendars
    "XH130": Entry("日历中日期重复", "删去重复的日期。"),
    "XH131": Entry("假日落在周末", "holidays 只写工作日；周末本就不上班。"),
    "XH132": Entry("调休上班日不在周末", "makeup 只写周末。"),
    "XH133": Entry("日期不属于这一年", "移到对应年份的日历。"),
    # procedures
    "XH160": Entry("同一阶段写了两处", "阶段或者在本系统办理，或者在申报前已完成（upstream），删去一处。"),
    "XH161": Entry("证明阶段的事实类型不符", "date 须为 date 类型的事实，number 和 proof 须为 text 类型。"),
    "XH162": Entry("事实证明不了阶段", "证明阶段的事实须 required: true，且不得 changeable。"),
    "XH163": Entry("有陈述或听证而没有告知", "补上 notice；当事人须先知道才能陈述申辩。"),
    "XH164": Entry("送达与决定脱节", "在哪里决定就在哪里送达；没有决定就没有送达。"),
    "XH165": Entry("阶段顺序颠倒", "申报前完成的阶段都在本系统办理的阶段之前。"),
    "XH166": Entry("最短长于最长", "改正 min、max 或 after。"),
    "XH167": Entry("公示期超出规定", "取各项规定中最严者：max 不超过最短的 max，min 不低于最长的 min。"),
    "XH168": Entry("不公示的名单写了公示时限", "删去该键，或改 public。"),
    "XH169": Entry("名单没有出路", "任何列入都有尽头：写 term.length、until_performed、repair 或 ends。"),
    "XH170": Entry("履行方结束的写法不对", "until_performed 写成 {枚举事实: [取值, …]}，只写一个事实。"),
    "XH171": Entry(
        "严重失信主体名单缺少正当程序",
        "告知、决定、送达都须有，在本系统办理或在申报前完成（河南省社会信用条例第二十八条）。",
    ),
    "XH172": Entry("惩戒名单不作认定前公示", "认定前公示只用于激励名单；惩戒名单先告知本人。"),
    "XH178": Entry("阶段没有决定收尾", "在本系统告知、听证或者认定前公示的，须写 decision 作出决定。"),
    # ladders
    "XH173": Entry("督办时限不是工作日", "写成 3 working days。"),
    "XH174": Entry("督办阶梯没有逐级推后", "每一级都须晚于前一级。"),
    "XH175": Entry("督办阶梯没有终点", "最后一级的 act 须为 report。"),
    "XH176": Entry("缺省的督办阶梯不止一个", "只留一个 default: true。"),
    "XH177": Entry("没有缺省的督办阶梯", "为一个阶梯写 default: true，或为名单写 ladder。"),
    # retention
    "XH190": Entry("保存期限按工作日计", "写成 5 years、6 months 或 30 days。"),
    "XH191": Entry("保存期限的规则轮不到", "前面的规则已经包括它，或者没有名单列入这种主体；调整顺序或删去。"),
    "XH192": Entry("保存期限超过依据的上限", "缩短 keep；个人信息的保存期限应当为必要的最短时间。"),
    "XH193": Entry("一种主体的保存期限写在两份文档", "移到一份文档里，以便看出先后。"),
    "XH194": Entry("其余的案件和记录没有保存期限", "补一条不写 lists 的规则；否则永远不会删除。", "warning"),
    # citations; all but the first are found when the texts of the laws are at hand
    "XH180": Entry("文本摘要的写法不对", "sha256 是 text 所指文本的摘要，写成 64 位小写十六进制。"),
    "XH181": Entry("条款不在法律文本中", "对照文本改正条款号，或改 text。"),
    "XH182": Entry("引文不在条款中", "引文须与文本一致；改正引文或条款号。"),
    "XH183": Entry("法律文本与核对时不同", "对照新的文本重新核对各处引用，再改 sha256。"),
    "XH184": Entry("法律文本没有记下摘要", "核对后在法律文件中写上 sha256，以便日后看出文本有无改动。", "warning"),
    "XH185": Entry("核对过的引用没有文本", "存入文本并在法律文件中写 text，或删去 verified。", "warning"),
    "XH186": Entry("引用没有文本可对", "存入文本并在法律文件中写 text。在此之前，引用对错未知。", "info"),
    "XH187": Entry("文本没有对应的法律文件", "为它建立法律文件并写 text，或移走文本。", "info"),
    "XH188": Entry("条款没有被引用", "确认没有遗漏规则；不再需要的条款可以删去。", "info"),
    "XH189": Entry("没有引用任何条款", "在规则、措施或名单上写 basis。", "info"),
    # what only a proof can tell; each comes with a witness
    "XH200": Entry("规则永远不会成立", "所列条件不能同时成立，改正其一，或删去该规则。", "warning"),
    "XH201": Entry("推导的一行永远轮不到", "它成立时前面的行总已成立，调整顺序或删去。", "warning"),
    "XH202": Entry("规则被其他规则遮蔽", "它成立时其他规则总已引出同样的事项，删去，或改其条件。", "warning"),
    "XH203": Entry("两份备忘录的指令可能相遇", "使条件互斥，或把两条规则放进一份备忘录，用 overrides 写明谁优先。"),
    "XH204": Entry(
        "严重失信时激励不会暂停",
        "为措施写 directive（办理事项处自动暂停），或在规则中写 none: {record: listing, where: {severe: true}}。",
    ),
    "XH205": Entry("措施比依据长久", "换用当时有效的依据，或为规则、措施写 valid。"),
    "XH206": Entry("措施比名单长久", "措施的 term 不得超过名单的 term，缩短或删去。"),
    "XH207": Entry("措施超过法定最长期限", "为措施或名单写不超过依据 max 的期限。"),
    "XH208": Entry("部门互相等待", "删去其中一个 after，或改以另一措施的答复为条件。"),
    "XH209": Entry(
        "减损权益的措施无人确认", "改 class 为 restrictive，或为名单写 decision；减损权益须有具名的人确认。"
    ),
    "XH210": Entry(
        "同一行为受到同种惩戒", "合并为一项措施，或使条件互斥（一事不再罚，行政处罚法第二十九条）。", "warning"
    ),
    "XH211": Entry("情节更重反而更轻", "改正条件或分级，使情节更重者不受更轻的措施（行政处罚法第五条 过罚相当）。"),
    "XH212": Entry("情节更重反而额度更高", "改正分级表或额度公式。"),
    "XH219": Entry("未能判定", "问题超出求解上限；拆分规则，或减少条件后再查。", "warning"),
    # tests and loose ends
    "XH140": Entry("测试没有预期", "expect 至少写一项。"),
    "XH141": Entry("测试重名", "给其中一个测试改名。"),
    "XH142": Entry("规则没有测试", "在备忘录旁的测试中写明它何时触发、何时不触发。", "warning"),
    "XH143": Entry("预期的部门或措施不在备忘录", "核对 owes、advice 等处的措施与部门。"),
    "XH144": Entry("预期自相矛盾", "删去其中一项；规则怎样写都不能同时满足。"),
    "XH145": Entry("测试的主体不在名单之列", "改为名单 subjects 中的主体种类。"),
    "XH146": Entry("测试的步骤先后颠倒", "各步的 on 不早于前一步，也不早于 as_of。"),
    "XH147": Entry("测试之日备忘录不在有效期内", "改正 as_of 或步骤的 on；不在有效期内的备忘录什么也不引出。"),
    "XH148": Entry("like 的测试不在前面", "改为同一文件中在它前面的测试的名称。"),
    "XH149": Entry("测试的情形不完整", "写上 as_of 和 subject，或以 like 写明与哪一个测试相同。"),
    "XH151": Entry("名单的事实没有规则用到", "如只作存档可不理会；否则在备忘录中使用。", "info"),
    "XH150": Entry("事实没有被用到", "在规则中使用，或删去声明。", "warning"),
}
